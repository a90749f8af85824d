//! `linchpin sessions run --tenant` and `--person`: scripts of the hub, carried out by the command itself.

use super::files::exported;
use super::firm::Firm;

/// Tasks for tenants and persons, done by `sh` on this machine.
fn tasks(firm: &Firm) -> String {
    let folder = firm.path("marks");
    std::fs::create_dir(&folder).unwrap();
    let folder = folder.to_str().unwrap().to_owned();
    let scripts = format!(
        "test = {{ body = '''\n. \"$LINCHPIN_SH\"\n\
         if [ -e {folder}/$(linchpin_fact subject/id) ]; then echo true; else echo false; fi\n''', \
         language = \"sh\" }}\n\
         set = {{ body = '''\n. \"$LINCHPIN_SH\"\nlinchpin_report \"marks $(linchpin_fact tenant/name)\"\n\
         echo x | linchpin_invoke -l sh; echo \"computer: $?\"\n\
         linchpin_token graph >/dev/null 2>&1 || echo 'no token'\n\
         touch {folder}/$(linchpin_fact subject/id)\n''', language = \"sh\", needs = [\"graph\"] }}\n"
    );
    ["tenant", "person"]
        .map(|category| {
            format!(
                "[[task]]\nname = \"mark-{category}\"\ntitle = \"The {category} is marked\"\n\
                 category = \"{category}\"\n{scripts}\n\
                 [[deployment]]\nname = \"mark-{category}\"\ntask = \"mark-{category}\"\n\
                 state = \"enforce\"\ntarget = {{ tenant = \"Contoso\" }}\n\n"
            )
        })
        .concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_and_a_person_are_tested_set_and_tested_by_hand() {
    let firm = exported().await;
    // Whoever carries a session out has a connection; none is asked here.
    firm.write(
        "[[connection]]\nname = \"automate\"\nkind = \"cw-control\"\nurl = \"https://x.example\"\n\
         secret = \"env:PATH\"\n",
    );
    firm.put("rules/marks.toml", &tasks(&firm));
    firm.run(&["apply", "rules"]).ended(0);
    for (whom, item) in
        [(["--tenant", "Contoso"], "mark-tenant"), (["--person", "ben@contoso.com"], "mark-person")]
    {
        let run = [&["sessions", "run"][..], &whom, &["--item", item, "--by", "ana"]].concat();
        let out = firm.run(&run).ended(0).readable().out;
        for said in [": test:", ": set:", "marks Contoso", "computer: 125", "no token", "compliant"]
        {
            assert!(out.contains(said), "{said}\n{out}");
        }
        assert!(out.contains("succeeded: as it should be"), "{out}");
        let again = firm.run(&run).ended(0).out;
        assert!(!again.contains(": set:"), "{again}");
    }
    let looks = firm.run(&["sessions", "run", "--tenant", "Fabrikam", "--detect-only"]).ended(0);
    assert!(looks.out.contains("nothing holds for it"), "{}", looks.out);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_a_session_is_for_is_said_once_and_must_be_known() {
    let firm = Firm::new().await;
    firm.run(&["sessions", "run"]).refused(&["COMPUTER"]);
    firm.run(&["sessions", "run", "PC-042", "--tenant", "Contoso"]).refused(&["cannot be used"]);
    firm.run(&["sessions", "run", "--tenant", "Contso"]).refused(&["Contso", "Contoso"]);
    firm.run(&["sessions", "run", "--person", "nobody@contoso.com"])
        .refused(&["nobody@contoso.com"]);
    let both = ["sessions", "run", "--person", "ben@contoso.com", "--onboarding"];
    firm.run(&both).refused(&["cannot be used"]);
}
