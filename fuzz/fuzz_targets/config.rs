#![no_main]
#![doc = "Tries to break the invariants of `config`."]

use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|input: &[u8]| -> Corpus {
    invariants::config::check(input).map_or(Corpus::Reject, |()| Corpus::Keep)
});
