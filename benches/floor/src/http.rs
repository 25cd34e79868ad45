//! One HTTP/1.1 exchange on an open connection. Takes bodies with a Content-Length only.

use std::io::{Read, Write};

/// The head and the body of the response.
pub fn exchange(
    connection: &mut (impl Read + Write),
    head: &str,
    body: &[u8],
) -> (String, Vec<u8>) {
    let mut message = head.as_bytes().to_vec();
    message.extend(body);
    connection.write_all(&message).expect("written");
    connection.flush().expect("sent");
    let mut response = Vec::new();
    let mut chunk = [0; 16_384];
    loop {
        let read = connection.read(&mut chunk).expect("a response");
        assert!(read > 0, "the connection has ended");
        response.extend(&chunk[..read]);
        let Some(end) = response.windows(4).position(|four| four == b"\r\n\r\n") else {
            continue;
        };
        let head = String::from_utf8(response[..end].to_vec()).expect("a head in UTF-8");
        let length: usize = header(&head, "content-length").parse().expect("a length");
        if response.len() >= end + 4 + length {
            return (head, response[end + 4..].to_vec());
        }
    }
}

pub fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let mut headers = head.split("\r\n").filter_map(|line| line.split_once(": "));
    let found = headers.find(|(other, _)| other.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value).expect("the header")
}
