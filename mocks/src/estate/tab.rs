//! A ticket of HaloPSA as a browser shows it: its number, and a custom tab of type *iFrame* with an address
//! in which `$FAULTID` stands for that number.

use crate::vendor::{Call, Reply};

/// `GET /_estate/tab?ticket=4242&url=https://hub.example/technician/halo/ticket/$FAULTID`.
pub(super) fn page(call: &Call) -> Reply {
    let ticket = call.param("ticket").unwrap_or_default();
    let url = call.param("url").unwrap_or_default().replace("$FAULTID", ticket);
    let (ticket, url) = (escaped(ticket), escaped(&url));
    let html = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Ticket {ticket}</title>\
         <style>body{{margin:0;font:15px sans-serif}}h1{{font-size:1rem;margin:.6rem}}\
         iframe{{border:0;width:100%;height:calc(100vh - 3rem)}}</style></head>\
         <body><h1>HaloPSA · Ticket {ticket}</h1><iframe title=\"Linchpin\" src=\"{url}\"></iframe>\
         </body></html>"
    );
    Reply {
        status: 200,
        headers: vec![("content-type".into(), "text/html; charset=utf-8".into())],
        body: html.into_bytes(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}
