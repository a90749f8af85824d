//! `linchpin mocks`: serves the imaginary MSP's four systems until it is stopped.

use std::collections::BTreeMap;

use mocks::server::{Mocks, ServeConfig};
use mocks::vendor::Face;
use mocks::world::Options;
use url::Url;

use crate::cli::{Global, MocksArgs};
use crate::config::choices;
use crate::failure::{Exit, Failure};
use crate::output;

/// The faces in the order of their ports.
const FACES: [(&str, Face); 4] = [
    ("azure-ad", Face::Graph),
    ("cw-automate", Face::Automate),
    ("cw-control", Face::Control),
    ("halopsa", Face::Halo),
];
/// The estate's own API, which is no face.
const ESTATE: &str = "estate";

pub(crate) async fn run(global: &Global, args: &MocksArgs) -> Result<Exit, Failure> {
    let config = serve_config(args)?;
    let options = Options {
        seed: args.seed,
        computers: args.computers,
        persons: args.persons,
        tenants: args.tenants,
        ..Options::default()
    };
    let world = mocks::generate::generate(&options);
    let running = Mocks::start(world, config).await?;
    if let (Some(path), Some(pem)) = (&args.certificate_file, running.certificate_pem()) {
        let doing = format!("writing the certificate to {}", path.display());
        std::fs::write(path, pem).map_err(|error| Failure::io(&doing, &error))?;
    }
    if global.json {
        output::json(&running.discovery());
    } else {
        output::pretty_json(&running.discovery());
    }
    output::error_line("serving; stop with Ctrl-C");
    stopped().await?;
    running.stop().await;
    Ok(Exit::Ok)
}

/// Waits for Ctrl-C or, where there is one, the signal that a service gets.
pub(crate) async fn stopped() -> Result<(), Failure> {
    let fail = |error| Failure::io("waiting for Ctrl-C", &error);
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminated = signal(SignalKind::terminate()).map_err(fail)?;
        tokio::select! {
            ended = tokio::signal::ctrl_c() => ended.map_err(fail),
            _ = terminated.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.map_err(fail)
}

fn serve_config(args: &MocksArgs) -> Result<ServeConfig, Failure> {
    let mut ports = BTreeMap::new();
    let mut estate_port = 0;
    if args.port > 0 {
        let last = args.port.checked_add(FACES.len() as u16);
        estate_port = last.ok_or_else(|| {
            Failure::usage(format!("--port {} leaves no room for five ports", args.port))
                .with_remedy("use a lower one")
        })?;
        ports.extend(FACES.iter().zip(args.port..).map(|((_, face), port)| (*face, port)));
    }
    for text in &args.face_ports {
        let (name, port) = pair("--face-port", text, "FACE=PORT")?;
        let port = port.parse().map_err(|_| {
            Failure::usage(format!("--face-port {text}: `{port}` is no port"))
                .with_remedy("write a number from 0 to 65535")
        })?;
        match face(name)? {
            Some(face) => drop(ports.insert(face, port)),
            None => estate_port = port,
        }
    }
    let public_bases = public_bases(args, &ports)?;
    Ok(ServeConfig {
        bind: args.bind,
        ports,
        estate_port,
        tls: args.tls,
        public_bases,
        fault_seed: args.seed,
        ..ServeConfig::default()
    })
}

fn public_bases(
    args: &MocksArgs,
    ports: &BTreeMap<Face, u16>,
) -> Result<BTreeMap<Face, String>, Failure> {
    let mut bases = BTreeMap::new();
    for text in &args.public_url {
        let named = FACES.iter().find_map(|(name, face)| {
            text.strip_prefix(name)?.strip_prefix('=').map(|address| (*face, address))
        });
        if let Some((face, address)) = named {
            let url = public_url(address)?;
            bases.insert(face, url.as_str().trim_end_matches('/').to_owned());
            continue;
        }
        let mut url = public_url(text)?;
        for (name, face) in FACES {
            let port = ports.get(&face).copied().filter(|port| *port > 0).ok_or_else(|| {
                Failure::usage(format!("--public-url {text} needs to know the port of {name}"))
                    .with_remedy("give --port too, or an address for each face: FACE=URL")
            })?;
            // Only an address without a host refuses a port, and that was refused before.
            url.set_port(Some(port)).unwrap_or_default();
            bases.entry(face).or_insert_with(|| url.as_str().trim_end_matches('/').to_owned());
        }
    }
    Ok(bases)
}

fn public_url(text: &str) -> Result<Url, Failure> {
    let wrong = |why: &str| {
        Failure::usage(format!("--public-url {text}: {why}"))
            .with_remedy("write it like https://halo.example.com or halopsa=https://127.0.0.1:9")
    };
    let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(wrong("it is no web address"));
    }
    if url.path() != "/" || url.query().is_some() {
        return Err(wrong("it must be scheme, host and port only"));
    }
    Ok(url)
}

fn pair<'a>(option: &str, text: &'a str, form: &str) -> Result<(&'a str, &'a str), Failure> {
    text.split_once('=').ok_or_else(|| {
        Failure::usage(format!("{option} {text}: it must be {form}"))
            .with_remedy(format!("faces: {}", names().join(", ")))
    })
}

/// The face of that name; none for the estate's own API.
fn face(name: &str) -> Result<Option<Face>, Failure> {
    if name == ESTATE {
        return Ok(None);
    }
    let found = FACES.iter().find(|(known, _)| *known == name);
    found.map(|(_, face)| Some(*face)).ok_or_else(|| {
        Failure::usage(format!("there is no face `{name}`")).with_remedy(choices(
            name,
            "faces",
            names(),
        ))
    })
}

fn names() -> Vec<&'static str> {
    FACES.iter().map(|(name, _)| *name).chain([ESTATE]).collect()
}
