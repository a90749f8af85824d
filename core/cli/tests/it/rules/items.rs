//! Software, tasks and scripts kept as files: planned, applied, shown, exported.

use super::files::exported;

const PACKAGE: &str = "[[software]]\nname = \"zip\"\ndetect = { table = \"7-Zip\" }\n\
                       install = { file = \"install.ps1\" }\nversions = [\"24.08\"]\n\
                       parameters = [{ name = \"key\", type = \"password\" }]\n";

const RULE: &str = "[[deployment]]\nname = \"zip-fabrikam\"\nsoftware = \"zip\"\n\
                    state = \"latest\"\ntarget = { tenant = \"Fabrikam\" }\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_package_with_its_scripts_is_planned_applied_shown_and_exported() {
    let firm = exported().await;
    firm.put("rules/zip/software.toml", PACKAGE);
    firm.put("rules/zip/rule.toml", RULE);
    let missing = firm.run(&["plan", "rules"]).ended(2).err;
    assert!(missing.contains("there is no file `zip/install.ps1`"), "{missing}");
    assert!(missing.contains("zip/software.toml:4:20"), "{missing}");

    firm.put("rules/zip/install.ps1", "Write-Output 1\nexit 0\n");
    let plan = firm.run(&["plan", "rules"]).ended(0).out;
    assert!(plan.contains("+ software zip"), "{plan}");
    assert!(plan.contains("install: powershell, 2 lines"), "{plan}");
    assert!(plan.contains("1 deployment wants what its item cannot do yet"), "{plan}");
    assert!(plan.contains("zip-fabrikam (zip): there is no upgrade strategy"), "{plan}");
    firm.run(&["plan", "rules", "--save", "plan.json"]).ended(0);
    firm.put("rules/zip/install.ps1", "Write-Output 2\nexit 0\n");
    let stale = firm.run(&["apply", "rules", "--plan", "plan.json"]).ended(1).err;
    assert!(stale.contains("zip/install.ps1 changed"), "{stale}");
    firm.run(&["apply", "rules"]).ended(0);

    firm.put("rules/zip/install.ps1", "Write-Output 3\nexit 0\n");
    let plan = firm.run(&["plan", "rules"]).ended(0).out;
    assert!(plan.contains("1 line added, 1 removed"), "{plan}");
    assert!(plan.contains("- Write-Output 2") && plan.contains("+ Write-Output 3"), "{plan}");

    let listed = firm.run(&["list", "software", "--name", "zip"]).ended(0).out;
    assert!(listed.contains("install"), "{listed}");
    let shown = firm.run(&["show", "software", "zip"]).ended(0).out;
    for said in ["7-Zip", "Write-Output 2", "zip-fabrikam", "no upgrade strategy"] {
        assert!(shown.contains(said), "{said}\n{shown}");
    }
    firm.run(&["export", "again"]).ended(0);
    assert_eq!(firm.read("again/software/zip/install.ps1"), "Write-Output 2\nexit 0\n");
    let same = firm.run(&["plan", "again", "--json"]).ended(0).json().remove(0);
    assert_eq!(same["changes"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d3_a_circle_of_prerequisites_is_not_saved_and_a_secret_in_clear_is_not_repeated() {
    let firm = exported().await;
    let needs = |name: &str, on: &str| {
        format!(
            "[[software]]\nname = \"{name}\"\nprerequisites = [{{ any_of = [\"{on}\"], \
             are = \"not-installed\", then = \"install\" }}]\n"
        )
    };
    firm.put("rules/circle.toml", &[needs("a1", "a2"), needs("a2", "a1")].concat());
    let refused = firm.run(&["apply", "rules"]).ended(2).err;
    assert!(refused.contains("prerequisites lead in a circle: `a"), "{refused}");
    firm.put("rules/circle.toml", "");

    firm.put("rules/zip/software.toml", PACKAGE);
    firm.put("rules/zip/install.ps1", "exit 0\n");
    firm.put("rules/zip/rule.toml", &format!("{RULE}parameters = {{ key = \"hunter2\" }}\n"));
    for arguments in [&["apply", "rules"][..], &["plan", "rules", "--json"]] {
        let ran = firm.run(arguments).ended(2);
        let said = format!("{}{}", ran.out, ran.err);
        assert!(
            said.contains("linchpin secrets set NAME") || said.contains("kept secret"),
            "{said}"
        );
        assert!(!said.contains("hunter2"), "{said}");
    }
    firm.put("rules/zip/rule.toml", &format!("{RULE}parameters = {{ key = \"store:zip\" }}\n"));
    firm.run(&["apply", "rules"]).ended(0);
}
