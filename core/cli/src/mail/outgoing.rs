//! A mail about a session: for whom, in whose name, with its picture; and how handing it over ended.

use lettre::address::Envelope;
use lettre::message::{Attachment, Body, Mailbox, MultiPart, SinglePart, header};
use lettre::transport::smtp::Error;
use lettre::{AsyncTransport as _, Message};

use super::{id_of, in_words, transport};
use crate::config::MailServer;

/// Under which name a picture is in the mail itself.
pub(crate) const INLINE: &str = "cid:brand-logo";
const CONTENT_ID: &str = "brand-logo";

/// A mail about a session.
#[derive(Clone, Debug)]
pub(crate) struct Outgoing {
    /// The name of the sender; the address is the server's.
    pub(crate) sender: String,
    /// Where answers go.
    pub(crate) reply_to: Option<Mailbox>,
    /// For whom.
    pub(crate) to: Vec<Mailbox>,
    /// Who gets it without being named.
    pub(crate) bcc: Vec<Mailbox>,
    /// What it says.
    pub(crate) letter: core_notify::Letter,
    /// A picture in it: type and bytes.
    pub(crate) picture: Option<(&'static str, Vec<u8>)>,
    /// By what it can be told from every other: the same for the same news.
    pub(crate) id: String,
}

/// Why a mail was not taken, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NotTaken {
    /// It was not; in words.
    Surely(String),
    /// The server did not say; in words.
    Unsure(String),
}

impl Outgoing {
    /// The mail as it travels.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn message(&self, server: &MailServer) -> Result<Message, String> {
        let wrong = |error: &dyn std::fmt::Display| format!("the mail cannot be written: {error}");
        let raw = |name: &'static str, value: &str| {
            let name = header::HeaderName::new_from_ascii_str(name);
            header::HeaderValue::new(name, value.to_owned())
        };
        let from = named(&self.sender, server.from.email.clone());
        let mut message = Message::builder()
            .from(from)
            .subject(self.letter.subject.clone())
            .message_id(Some(id_of(server, &self.id)))
            // Nobody's holiday note is wanted: RFC 3834, and what Exchange goes by.
            .raw_header(raw("Auto-Submitted", "auto-generated"))
            .raw_header(raw("X-Auto-Response-Suppress", "All"));
        if let Some(reply_to) = &self.reply_to {
            message = message.reply_to(reply_to.clone());
        }
        for to in &self.to {
            message = message.to(named(to.name.as_deref().unwrap_or_default(), to.email.clone()));
        }
        // Who gets a copy is in the envelope alone.
        let all = self.to.iter().chain(&self.bcc).map(|one| one.email.clone()).collect();
        let envelope = Envelope::new(Some(server.from.email.clone()), all);
        message = message.envelope(envelope.map_err(|error| wrong(&error))?);
        let html = SinglePart::html(self.letter.html.clone());
        let text = SinglePart::plain(self.letter.text.clone());
        let parts = match &self.picture {
            None => MultiPart::alternative().singlepart(text).singlepart(html),
            Some((media, bytes)) => {
                let kind = media.parse().map_err(|error| wrong(&error))?;
                let picture = Attachment::new_inline(CONTENT_ID.to_owned());
                let picture = picture.body(Body::new(bytes.clone()), kind);
                let related = MultiPart::related().singlepart(html).singlepart(picture);
                MultiPart::alternative().singlepart(text).multipart(related)
            }
        };
        message.multipart(parts).map_err(|error| wrong(&error))
    }
}

/// An address with a name, as people wrote it. What is no character would break the library, and is none of a name.
fn named(name: &str, email: lettre::Address) -> Mailbox {
    let name: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    Mailbox::new(Some(name).filter(|name| !name.is_empty()), email)
}

/// Hands a mail over.
///
/// # Errors
/// Whether it is certain that it was not taken, and why.
pub(crate) async fn hand_over(server: &MailServer, mail: &Outgoing) -> Result<(), NotTaken> {
    let message = mail.message(server).map_err(NotTaken::Surely)?;
    let transport = transport(server).map_err(NotTaken::Surely)?;
    transport.send(message).await.map(drop).map_err(|error| {
        let why = in_words(server, &error);
        // Only what a server says is certain, and what was before anybody could hear.
        if error.status().is_some() || error.is_tls() || error.is_client() || is_unconnected(&error)
        {
            NotTaken::Surely(why)
        } else {
            NotTaken::Unsure(why)
        }
    })
}

/// Whether a server would take mail: it is there, and lets in whoever signs in.
///
/// # Errors
/// In words.
pub(crate) async fn is_reached(server: &MailServer) -> Result<(), String> {
    match transport(server)?.test_connection().await {
        Ok(true) => Ok(()),
        Ok(false) => Err(format!("{}:{} ended the connection", server.host, server.port)),
        Err(error) => Err(in_words(server, &error)),
    }
}

/// Whether there was no connection at all: the library says so in its text alone.
fn is_unconnected(error: &Error) -> bool {
    error.to_string().starts_with("Connection error")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TlsWord;

    fn server() -> MailServer {
        MailServer {
            host: "localhost".to_owned(),
            port: 1,
            tls: TlsWord::None,
            ca_file: None,
            user: None,
            from: "Linchpin <hub@msp.example>".parse().unwrap(),
            to: Vec::new(),
        }
    }

    fn mail() -> Outgoing {
        Outgoing {
            sender: "Acme \"IT\"\r\nBcc: x@evil.example".to_owned(),
            reply_to: Some("help@msp.example".parse().unwrap()),
            to: vec![Mailbox::new(
                Some("Ana\tBerg\r\n".to_owned()),
                "ana@contoso.example".parse().unwrap(),
            )],
            bcc: vec!["ops@msp.example".parse().unwrap()],
            letter: core_notify::Letter {
                subject: "Maintenance of PC-1: tonight".to_owned(),
                text: "It will be done.".to_owned(),
                html: "<p>It will be done.</p>".to_owned(),
            },
            picture: Some(("image/png", vec![0x89, b'P', b'N', b'G'])),
            id: "ses_1.before".to_owned(),
        }
    }

    #[test]
    fn a_mail_names_sender_and_receivers_and_nobody_who_gets_a_copy() {
        let message = mail().message(&server()).unwrap();
        let text = String::from_utf8(message.formatted()).unwrap();
        for part in [
            "To: \"Ana Berg\" <ana@contoso.example>\r\n",
            "Reply-To: help@msp.example\r\n",
            "Subject: Maintenance of PC-1: tonight\r\n",
            "Message-ID: <linchpin.ses_1.before@msp.example>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "multipart/related",
            "Content-ID: <brand-logo>\r\n",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        assert!(!text.contains("ops@msp.example"), "{text}");
        assert!(!text.contains("\r\nBcc:"), "{text}");
        let head = text.split("\r\n\r\n").next().unwrap();
        assert!(head.contains("<hub@msp.example>"), "{head}");
        let to: Vec<String> = message.envelope().to().iter().map(ToString::to_string).collect();
        assert_eq!(to, ["ana@contoso.example", "ops@msp.example"]);
        let plain = Outgoing { picture: None, ..mail() }.message(&server()).unwrap();
        assert!(!String::from_utf8(plain.formatted()).unwrap().contains("related"));
    }

    #[tokio::test]
    async fn what_nobody_heard_was_surely_not_taken() {
        // Nothing listens on port 1.
        let not = hand_over(&server(), &mail()).await.unwrap_err();
        assert!(matches!(not, NotTaken::Surely(_)), "{not:?}");
        assert!(is_reached(&server()).await.unwrap_err().contains("localhost:1"));
    }
}
