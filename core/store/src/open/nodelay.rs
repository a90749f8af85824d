//! Sends what is written to the PostgreSQL server at once.
//!
//! The driver (sqlx 0.9.0) leaves Nagle's algorithm on and gives no way to its sockets: the last part
//! of a large statement then waits for the server's delayed acknowledgement, some 40 ms each time.
//! The kernel hands out a second descriptor of a socket of this very process, and an option set
//! through the one holds for the other.

use std::net::SocketAddr;

use rustix::net::sockopt::set_tcp_nodelay;
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};

/// Lets every TCP connection of this process to that port send at once; gives their number. Where
/// the kernel or a container forbids it, none.
pub(super) fn send_at_once(port: u16) -> usize {
    let Ok(own) = pidfd_open(getpid(), PidfdFlags::empty()) else { return 0 };
    let Ok(descriptors) = std::fs::read_dir("/proc/self/fd") else { return 0 };
    let mut done = 0;
    for descriptor in descriptors.flatten() {
        let Some(number) = descriptor.file_name().to_str().and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let Ok(socket) = pidfd_getfd(&own, number, PidfdGetfdFlags::empty()) else { continue };
        // What is no socket has no peer, and a local one no port.
        let Ok(Some(peer)) = rustix::net::getpeername(&socket) else { continue };
        if SocketAddr::try_from(peer).is_ok_and(|peer| peer.port() == port) {
            done += usize::from(set_tcp_nodelay(&socket, true).is_ok());
        }
    }
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_connections_to_that_port_send_at_once() {
        let listen = || std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let (wanted, other) = (listen(), listen());
        let connect = |to: &std::net::TcpListener| {
            std::net::TcpStream::connect(to.local_addr().unwrap()).unwrap()
        };
        let (to_wanted, to_other) = (connect(&wanted), connect(&other));
        assert!(!to_wanted.nodelay().unwrap());
        assert_eq!(send_at_once(wanted.local_addr().unwrap().port()), 1);
        assert!(to_wanted.nodelay().unwrap());
        assert!(!to_other.nodelay().unwrap());
    }
}
