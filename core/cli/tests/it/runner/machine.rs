//! A machine that is a folder: `dpkg` works below it, and an agent runs with that `dpkg` before the system's own.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use core_runner::HubKey;
use core_store::{EnrolmentToken, NewRunnerToken, SealingKey, SealingKeys, Store};
use serde_json::Value;

use crate::run::{Place, Ran};

/// How long something may take that must come.
const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until something is so.
#[track_caller]
pub(crate) fn until(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "it did not come to it: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A process that is killed with the test.
pub(crate) struct Running(Child);

impl Running {
    /// Ends it at once, as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended; then there is nothing to kill.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// The machine, and the hub's settings beside it.
pub(crate) struct Machine {
    place: Place,
    port: u16,
}

fn sh(text: &str) {
    let ran = Command::new("sh").arg("-ec").arg(text).output().unwrap();
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(ran.status.success(), "`dpkg` and `dpkg-deb` are needed: {text}\n{said}");
}

impl Machine {
    pub(crate) fn new() -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = format!(
            "[hub]\ndatabase = \"sqlite://hub.db\"\n[server]\nlisten = \"127.0.0.1:{port}\"\n\
             [secrets]\nkey = \"file:hub.key\"\n[rules]\nsecond_person = false\n\
             [maintenance]\nengine = true\naway_seconds = 10\n[sessions]\nlease_seconds = 10\n\
             [[connection]]\nname = \"runner\"\nkind = \"runner\"\n"
        );
        let machine = Self { place: Place::with(&settings), port };
        let key = machine.linchpin(&["secrets", "key"]).ended(0).out;
        machine.place.write("hub.key", &key);
        machine.dpkg();
        machine
    }

    /// A file of the machine.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.place.path().join("machine").join(name)
    }

    /// A `dpkg` of the machine's own, and three versions of a package.
    fn dpkg(&self) {
        let (root, bin) = (self.file("root"), self.file("bin"));
        let admin = root.join("var/lib/dpkg");
        sh(&format!(
            "mkdir -p {bin} {admin}/info {admin}/updates {root}/tmp; : >{admin}/status; \
             : >{admin}/available",
            bin = bin.display(),
            admin = admin.display(),
            root = root.display()
        ));
        let root = root.display();
        let force = "--force-not-root --force-bad-path --force-script-chrootless";
        self.program(
            "dpkg",
            &format!("exec /usr/bin/dpkg --root={root} --log=/dev/null {force} \"$@\""),
        );
        self.program(
            "dpkg-query",
            &format!("exec /usr/bin/dpkg-query --admindir={} \"$@\"", admin.display()),
        );
        for version in ["1.0", "1.1", "2.0"] {
            let folder = self.file(&format!("lp-hello_{version}"));
            let shown = folder.display();
            sh(&format!(
                "mkdir -p {shown}/DEBIAN {shown}/opt; echo {version} >{shown}/opt/lp-hello; \
                 printf 'Package: lp-hello\\nVersion: {version}\\nArchitecture: all\\n\
                 Maintainer: nobody <nobody@example.com>\\nDescription: says hello\\n' \
                 >{shown}/DEBIAN/control; chmod 755 {shown}/DEBIAN; \
                 dpkg-deb --root-owner-group --build {shown} {shown}.deb >/dev/null"
            ));
        }
    }

    fn program(&self, name: &str, line: &str) {
        let path = self.file("bin").join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{line}\n")).unwrap();
        sh(&format!("chmod 755 {}", path.display()));
    }

    /// Installs take a while from now on.
    pub(crate) fn slow(&self) {
        std::fs::write(self.file("slow"), "").unwrap();
    }

    /// What the hub is to bring about.
    pub(crate) fn rules(&self, state: &str, content: &str) {
        let machine = self.place.path().join("machine");
        let machine = machine.display();
        let install = format!(
            "echo begun >>{machine}/begun\n[ ! -e {machine}/slow ] || sleep 5\n\
             dpkg -i {machine}/lp-hello_$LP_desired_version.deb || exit 1\necho done >>{machine}/installs\n"
        );
        self.place.write("rules/install.sh", &install);
        self.place.write("rules/uninstall.sh", "dpkg -P lp-hello\n");
        let test = format!(
            "if [ \"$(cat {machine}/motd 2>/dev/null)\" = {content} ]; then echo true; else echo false; fi\n"
        );
        self.place.write("rules/motd-test.sh", &test);
        let set =
            format!("echo {content} >{machine}/motd\nprintf %s \"$LP_word\" >{machine}/secret\n");
        self.place.write("rules/motd-set.sh", &set);
        let secret = self.linchpin_fed(&["secrets", "set", "word"], "planted-s3cret\n");
        secret.ended(0);
        let rules = format!(
            "[[software]]\nname = \"lp-hello\"\nversions = [\"1.0\", \"1.1\", \"2.0\"]\n\
             detect = {{ table = \"lp-hello\", match = \"exact\" }}\n\
             install = {{ file = \"install.sh\" }}\nuninstall = {{ file = \"uninstall.sh\" }}\n\
             upgrade_strategy = \"uninstall-install\"\n\
             [[task]]\nname = \"motd\"\ntest = {{ file = \"motd-test.sh\" }}\nset = {{ file = \"motd-set.sh\" }}\n\
             [[task.parameters]]\nname = \"word\"\ntype = \"password\"\n\
             [[deployment]]\nname = \"hello\"\nsoftware = \"lp-hello\"\nstate = \"{state}\"\ntarget = \"all\"\n\
             [[deployment]]\nname = \"motd\"\ntask = \"motd\"\nstate = \"enforce\"\ntarget = \"all\"\n\
             parameters = {{ word = \"store:word\" }}\n"
        );
        self.place.write("rules/rules.toml", &rules);
        self.linchpin(&["apply", "rules"]).ended(0);
    }

    /// Another file of rules, applied with the others.
    pub(crate) fn define(&self, name: &str, text: &str) {
        self.write(&format!("rules/{name}"), text);
        self.linchpin(&["apply", "rules"]).ended(0);
    }

    /// A file beside the settings.
    pub(crate) fn write(&self, path: &str, text: &str) {
        self.place.write(path, text);
    }

    /// Replaces something in the settings.
    pub(crate) fn settings(&self, this: &str, that: &str) {
        let path = self.place.path().join("linchpin.toml");
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains(this), "{text}");
        self.place.write("linchpin.toml", &text.replace(this, that));
    }

    pub(crate) fn linchpin(&self, arguments: &[&str]) -> Ran {
        self.place.run(arguments)
    }

    fn linchpin_fed(&self, arguments: &[&str], input: &str) -> Ran {
        let mut command = self.place.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // Who refuses before it reads has closed it.
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        Ran::from(child.wait_with_output().unwrap())
    }

    /// Starts the hub, and waits until it answers. What a killed one had is free after a while.
    pub(crate) fn serve(&self) -> Running {
        let began = Instant::now();
        loop {
            let mut command = self.place.command(&["serve", "--log", "json"]);
            let log = self.log("hub.log");
            let mut child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
            while child.try_wait().unwrap().is_none() {
                if self.get_ready() {
                    return Running(child);
                }
                std::thread::sleep(Duration::from_millis(50));
            }
            let log = std::fs::read_to_string(self.place.path().join("hub.log")).unwrap();
            assert!(began.elapsed() < PATIENCE, "the hub does not start: {log}");
            std::thread::sleep(Duration::from_millis(500));
        }
    }

    fn log(&self, name: &str) -> std::fs::File {
        let path = self.place.path().join(name);
        std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap()
    }

    fn get_ready(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port)).is_ok()
    }

    pub(crate) fn token(&self, more: &[&str]) -> String {
        let known = self.linchpin(&["list", "tenants", "--json"]).ended(0).json();
        let whose = if known.is_empty() { "--new-tenant" } else { "--tenant" };
        let arguments = [&["runners", "token", whose, "Acme"], more].concat();
        self.linchpin(&arguments).ended(0).out.trim().to_owned()
    }

    pub(crate) fn tokens(&self) -> Vec<Value> {
        let all = self.linchpin(&["runners", "--tokens", "--json"]).ended(0).json();
        all.into_iter().filter(|one| one["token"].is_string()).collect()
    }

    /// A token whose time is over.
    pub(crate) fn expired_token(&self) -> String {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let store = self.store().await;
            let client = store.runner_clients().await.unwrap().remove(0);
            let token = EnrolmentToken::from_random([3; 32]);
            let now_us = chrono::Utc::now().timestamp_micros();
            let new = NewRunnerToken {
                id: "0ld",
                client: &client,
                uses: 9,
                expires_us: now_us - 1,
                by: "ana",
                now_us: now_us - 2,
            };
            store.add_runner_token(&token, &new).await.unwrap();
            store.close().await;
            token.reveal().to_owned()
        })
    }

    pub(crate) async fn store(&self) -> Store {
        Store::open(self.place.path().join("hub.db").to_str().unwrap()).await.unwrap()
    }

    /// The hub's signing key, as only who has the hub's own key can open it.
    pub(crate) async fn signing_key(&self, store: &Store) -> HubKey {
        let text = std::fs::read_to_string(self.place.path().join("hub.key")).unwrap();
        let keys = SealingKeys::new(SealingKey::parse(&text).unwrap(), Vec::new());
        let seed = store.unseal(&keys, "connection:runner/signing-key").await.unwrap().unwrap();
        HubKey::parse(&seed).unwrap()
    }

    pub(crate) fn enrol_with(&self, token: &str, state: &str) -> Ran {
        let hub = format!("http://127.0.0.1:{}", self.port);
        self.linchpin_fed(&["agent", "enrol", &hub, "--state", state], &format!("{token}\n"))
    }

    pub(crate) fn enrol(&self) {
        let token = self.token(&[]);
        let said = self.enrol_with(&token, "state").ended(0);
        assert!(said.out.contains("of Acme."), "{}", said.out);
    }

    pub(crate) fn key_of(&self, state: &str) -> String {
        let path = self.place.path().join(state).join("runner.json");
        let identity: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        identity["key"].as_str().unwrap().to_owned()
    }

    pub(crate) fn agent_key(&self) -> String {
        self.key_of("state")
    }

    /// Whether a file of the agent has this in it.
    pub(crate) fn agent_files_hold(&self, text: &str) -> bool {
        let state = self.place.path().join("state");
        let found = Command::new("grep").args(["-rq", text]).arg(state).status().unwrap();
        found.success()
    }

    pub(crate) fn run_agent(&self) -> Running {
        let mut command = self.place.command(&["agent", "run", "--state", "state"]);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = format!("{}:{}", self.file("bin").display(), Path::new(&path).display());
        let log = self.log("agent.log");
        Running(command.env("PATH", path).stdout(Stdio::null()).stderr(log).spawn().unwrap())
    }

    /// The hub, an enrolled agent, and the computer that it is.
    pub(crate) fn at_work(&self) -> (Running, Running, String) {
        let hub = self.serve();
        self.enrol();
        let agent = self.run_agent();
        (hub, agent, self.computer())
    }

    /// The computer's id, as soon as the hub has read its runners.
    pub(crate) fn computer(&self) -> String {
        let began = Instant::now();
        loop {
            // The hub may be about to read them itself; then this one is refused.
            let read = self.linchpin(&["sync", "runner", "--no-ask"]);
            let all = self.linchpin(&["list", "computers", "--json"]).ended(0).json();
            if let [only] = all.as_slice() {
                return only["id"].as_str().unwrap().to_owned();
            }
            assert!(began.elapsed() < PATIENCE, "{}{}{all:?}", read.out, read.err);
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// Runs a session to its end.
    pub(crate) fn maintain(&self, computer: &str) -> String {
        let ran = self.linchpin(&["sessions", "run", computer]);
        let log = std::fs::read_to_string(self.place.path().join("agent.log")).unwrap();
        assert_eq!(ran.code, 0, "{}\n{}\n{log}", ran.out, ran.err);
        ran.out
    }

    /// Asks for a session, and does not wait.
    pub(crate) fn ask(&self, computer: &str) -> String {
        let asked = self.linchpin(&["sessions", "run", computer, "--no-wait", "--json"]).ended(0);
        asked.value()["id"].as_str().unwrap().to_owned()
    }

    fn session(&self, id: &str) -> Value {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let store = self.store().await;
            let session = store.session(id.parse().unwrap()).await.unwrap();
            store.close().await;
            serde_json::to_value(session).unwrap()
        })
    }

    /// The state in which a session ended.
    #[track_caller]
    pub(crate) fn ended(&self, id: &str) -> String {
        let state = || self.session(id)["state"].as_str().unwrap().to_owned();
        until("the session ends", || !["waiting", "running"].contains(&state().as_str()));
        state()
    }

    /// A session and what hub and agent said, for whoever looks why.
    pub(crate) fn told(&self, id: &str) -> String {
        let read = |name| std::fs::read_to_string(self.place.path().join(name)).unwrap_or_default();
        format!("{:#}\n{}\n{}", self.session(id), read("hub.log"), read("agent.log"))
    }

    pub(crate) fn installed(&self) -> String {
        let admin = self.file("root/var/lib/dpkg");
        let asked = Command::new("dpkg-query")
            .arg(format!("--admindir={}", admin.display()))
            .args(["-W", "-f", "${db:Status-Abbrev}${Version}\n", "lp-hello"])
            .output()
            .unwrap();
        let said = String::from_utf8(asked.stdout).unwrap();
        said.trim().strip_prefix("ii ").unwrap_or_default().to_owned()
    }

    fn lines(&self, name: &str) -> usize {
        std::fs::read_to_string(self.file(name)).unwrap_or_default().lines().count()
    }

    /// How many installs were begun.
    pub(crate) fn begun(&self) -> usize {
        self.lines("begun")
    }

    /// How many came to their end.
    pub(crate) fn installs(&self) -> usize {
        self.lines("installs")
    }

    /// What the hub answers whoever has this.
    pub(crate) fn post(&self, path: &str, bearer: &str, body: &str) -> (u16, Value) {
        self.send(path, bearer, (body.len(), body))
    }

    /// What it answers whoever says that so much will come.
    pub(crate) fn announce(&self, path: &str, bearer: &str, length: usize) -> u16 {
        self.send(path, bearer, (length, "")).0
    }

    fn send(&self, path: &str, bearer: &str, (length, body): (usize, &str)) -> (u16, Value) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let known = if bearer.is_empty() {
            String::new()
        } else {
            format!("Authorization: Bearer {bearer}\r\n")
        };
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{known}\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let code = answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default();
        let body = answer.split_once("\r\n\r\n").map(|(_, body)| body).unwrap_or_default();
        (code, serde_json::from_str(body).unwrap_or_default())
    }
}
