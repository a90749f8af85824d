//! A small mail server (RFC 5321, 3207, 4954): it takes what it is sent and keeps it, and goes wrong as it
//! is told to. It speaks in the clear, with STARTTLS or with TLS from the beginning.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum_server::tls_rustls::RustlsConfig;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// How the way to it is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// Not at all.
    None,
    /// Where the client asks for it; before, no mail is taken.
    Starttls,
    /// From the beginning.
    Implicit,
}

/// What goes wrong, once, with the next connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The recipient is answered with this: `550 5.1.1 nobody here`, or `451 4.7.1 greylisted`.
    Recipient(String),
    /// The connection ends after the whole mail came, before it is acknowledged.
    LostAfterData,
    /// The connection ends without a word.
    Gone,
}

/// A mail that was taken, or came whole before the connection was lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mail {
    /// Who the envelope says it is from.
    pub from: String,
    /// Who it is for.
    pub to: Vec<String>,
    /// Head and body, as they came.
    pub data: String,
    /// Whether it was acknowledged.
    pub acknowledged: bool,
    /// Whether it came sealed.
    pub sealed: bool,
    /// Whoever signed in.
    pub user: Option<String>,
}

#[derive(Default)]
struct Shared {
    mails: Mutex<Vec<Mail>>,
    faults: Mutex<VecDeque<Fault>>,
    /// Name and password that are asked for, if any are.
    account: Option<(String, String)>,
}

/// A mail server that runs until it is dropped.
pub struct Smtp {
    address: SocketAddr,
    certificate: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Smtp {
    /// Listens on a free port of this machine; asks for this name and password, where there are some.
    ///
    /// # Errors
    /// Where there is no port, or no certificate can be made.
    pub async fn start(tls: Tls, account: Option<(&str, &str)>) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()])
            .map_err(std::io::Error::other)?;
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let pem = certificate.clone().into_bytes();
        let config = RustlsConfig::from_pem(pem, key.into_bytes()).await?;
        let acceptor = TlsAcceptor::from(config.get_inner());
        let account = account.map(|(name, word)| (name.to_owned(), word.to_owned()));
        let shared = Arc::new(Shared { account, ..Shared::default() });
        let task = tokio::spawn(accept(listener, tls, acceptor, Arc::clone(&shared)));
        Ok(Self { address, certificate, shared, task })
    }

    /// Its port on this machine.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Its certificate, PEM; it is for `localhost`.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Has the next connections go wrong, one each.
    pub fn fail(&self, faults: &[Fault]) {
        locked(&self.shared.faults).extend(faults.iter().cloned());
    }

    /// What came so far.
    #[must_use]
    pub fn mails(&self) -> Vec<Mail> {
        locked(&self.shared.mails).clone()
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: TcpListener, tls: Tls, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, shared) = (acceptor.clone(), Arc::clone(&shared));
        tokio::spawn(async move {
            let fault = locked(&shared.faults).pop_front();
            if fault == Some(Fault::Gone) {
                return;
            }
            let mut talk = Talk { shared: &shared, fault, mail: Mail::default(), tls };
            // A client that goes away ends the conversation; the tests see what came of it.
            let ended = match tls {
                Tls::Implicit => match acceptor.accept(stream).await {
                    Ok(stream) => talk.hold(BufReader::new(stream), true, true).await.map(|_| None),
                    Err(_) => return,
                },
                _ => talk.hold(BufReader::new(stream), false, true).await,
            };
            if let Ok(Some(stream)) = ended
                && let Ok(stream) = acceptor.accept(stream.into_inner()).await
            {
                drop(talk.hold(BufReader::new(stream), true, false).await);
            }
        });
    }
}

/// One conversation.
struct Talk<'a> {
    shared: &'a Shared,
    fault: Option<Fault>,
    mail: Mail,
    tls: Tls,
}

impl Talk<'_> {
    /// Answers line by line. Gives the stream back where the client wants TLS on it from now on.
    async fn hold<S>(
        &mut self,
        mut stream: BufReader<S>,
        sealed: bool,
        greets: bool,
    ) -> std::io::Result<Option<BufReader<S>>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        self.mail.sealed = sealed;
        if greets {
            stream.write_all(b"220 mail.example ESMTP\r\n").await?;
        }
        let mut line = String::new();
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(None);
            }
            let line = line.trim_end();
            let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            let wants_tls = self.tls == Tls::Starttls && !sealed;
            let answer = match verb.as_str() {
                "EHLO" if wants_tls => "250-mail.example\r\n250 STARTTLS".to_owned(),
                "EHLO" => "250-mail.example\r\n250 AUTH PLAIN".to_owned(),
                "STARTTLS" if wants_tls => {
                    stream.write_all(b"220 go ahead\r\n").await?;
                    return Ok(Some(stream));
                }
                "QUIT" => {
                    stream.write_all(b"221 bye\r\n").await?;
                    return Ok(None);
                }
                "DATA" => {
                    stream.write_all(b"354 end with a dot\r\n").await?;
                    let Some(answer) = self.data(&mut stream).await? else { return Ok(None) };
                    answer
                }
                _ => self.answer(&verb, line, wants_tls),
            };
            stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
    }

    fn answer(&mut self, verb: &str, line: &str, wants_tls: bool) -> String {
        let address = || {
            let text = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
            text.map(|(address, _)| address.to_owned()).unwrap_or_default()
        };
        match verb {
            "AUTH" => self.sign_in(line),
            "MAIL" if wants_tls => "530 5.7.0 STARTTLS first".to_owned(),
            "MAIL" if self.shared.account.is_some() && self.mail.user.is_none() => {
                "530 5.7.0 sign in first".to_owned()
            }
            "MAIL" => {
                self.mail.from = address();
                "250 fine".to_owned()
            }
            "RCPT" => match &self.fault {
                Some(Fault::Recipient(refusal)) => refusal.clone(),
                _ => {
                    self.mail.to.push(address());
                    "250 fine".to_owned()
                }
            },
            "NOOP" | "RSET" => "250 fine".to_owned(),
            _ => "502 5.5.1 what?".to_owned(),
        }
    }

    /// `AUTH PLAIN`: nothing, name and password, with zeros between.
    fn sign_in(&mut self, line: &str) -> String {
        let word = line.rsplit(' ').next().unwrap_or_default();
        let plain = STANDARD.decode(word).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let mut parts = plain.as_deref().unwrap_or_default().split('\0').skip(1);
        let given = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let right = self.shared.account.as_ref();
        if right.is_none_or(|(name, word)| given == (name.as_str(), word.as_str())) {
            self.mail.user = Some(given.0.to_owned());
            return "235 welcome".to_owned();
        }
        "535 5.7.8 wrong name or password".to_owned()
    }

    /// The mail up to its dot; nothing where the connection is to be lost then.
    async fn data<S>(&mut self, stream: &mut BufReader<S>) -> std::io::Result<Option<String>>
    where
        S: AsyncRead + Unpin,
    {
        let mut line = String::new();
        while stream.read_line(&mut line).await? > 0 && line != ".\r\n" {
            self.mail.data.push_str(line.strip_prefix('.').unwrap_or(&line));
            line.clear();
        }
        self.mail.acknowledged = self.fault != Some(Fault::LostAfterData);
        locked(&self.shared.mails).push(self.mail.clone());
        Ok(self.mail.acknowledged.then(|| "250 2.0.0 taken".to_owned()))
    }
}
