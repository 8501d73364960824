//! Connections to `local` whose client disappeared without closing them.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;

use crate::server::Server;

/// The timer of a socket in `/proc/net/tcp` that asks whether the other side still exists (proc_net_tcp.txt: `timer_active`).
const KEEPALIVE_TIMER: &str = "02";
/// The kernel's clock ticks in a second, in `/proc`.
const TICKS: u64 = 100;

/// The server asks a silent client after a minute whether it still exists. The kernel then closes the connection of one
/// that does not answer, which would otherwise stay open forever.
#[test]
fn silent_connection_is_probed_after_a_minute() {
    let server = Server::in_memory();
    let address = server.address();
    let mut connection = TcpStream::connect(&address).expect("a connection");
    connection.write_all(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n").unwrap();
    assert!(connection.read(&mut [0; 4096]).expect("an answer") > 0);
    let (timer, ticks) = timer_of(connection.peer_addr().unwrap().port(), connection.local_addr().unwrap().port());
    assert_eq!(timer, KEEPALIVE_TIMER);
    assert!(ticks <= 60 * TICKS, "{ticks}");
}

/// The active timer of the socket with these ports, and the ticks until it expires.
fn timer_of(local: u16, remote: u16) -> (String, u64) {
    let sockets = fs::read_to_string("/proc/net/tcp").unwrap();
    let has_port = |address: &str, port: u16| address.ends_with(&format!(":{port:04X}"));
    for line in sockets.lines().skip(1) {
        let columns: Vec<&str> = line.split_whitespace().collect();
        if has_port(columns[1], local) && has_port(columns[2], remote) {
            let (timer, ticks) = columns[5].split_once(':').unwrap();
            return (timer.to_owned(), u64::from_str_radix(ticks, 16).unwrap());
        }
    }
    panic!("no socket from {local} to {remote}");
}
