//! Signs a request by Signature Version 4. Knows Lambda's requests only: paths and queries that need no encoding.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{HMAC_SHA256, Key, Tag, sign as hmac};

use crate::variable;

/// The head of the request, signed.
pub fn sign(method: &str, host: &str, path: &str, query: &str, body: &[u8]) -> String {
    let (time, region) = (now(), variable("AWS_REGION"));
    let (day, token) = (&time[..8], variable("AWS_SESSION_TOKEN"));
    let names = "host;x-amz-date;x-amz-security-token";
    let canonical = format!(
        "{method}\n{path}\n{query}\nhost:{host}\nx-amz-date:{time}\nx-amz-security-token:{token}\n\n{names}\n{}",
        hex(digest(&SHA256, body).as_ref())
    );
    let scope = format!("{day}/{region}/lambda/aws4_request");
    let hash = hex(digest(&SHA256, canonical.as_bytes()).as_ref());
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{hash}");
    let secret = format!("AWS4{}", variable("AWS_SECRET_ACCESS_KEY"));
    let mut key = keyed(secret.as_bytes(), day);
    for part in [&region, "lambda", "aws4_request", &text] {
        key = keyed(key.as_ref(), part);
    }
    let target = if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    };
    let access_key = variable("AWS_ACCESS_KEY_ID");
    format!(
        "{method} {target} HTTP/1.1\r\nHost: {host}\r\nX-Amz-Date: {time}\r\nX-Amz-Security-Token: {token}\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders={names}, Signature={}\r\n\
         Content-Length: {}\r\n\r\n",
        hex(key.as_ref()),
        body.len()
    )
}

fn keyed(key: &[u8], text: &str) -> Tag {
    hmac(&Key::new(HMAC_SHA256, key), text.as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a text takes everything");
        text
    })
}

/// The time as `20260131T120000Z`.
fn now() -> String {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("after 1970");
    let (mut days, seconds) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while days >= 365 + u64::from(leap(year)) {
        days -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [
        31,
        28 + u64::from(leap(year)),
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let mut month = 0;
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    format!(
        "{year}{:02}{:02}T{:02}{:02}{:02}Z",
        month + 1,
        days + 1,
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}
