#![no_main]
#![doc = "Tries to break the invariants of `events`."]

use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|input: &[u8]| -> Corpus {
    invariants::events::check(input).map_or(Corpus::Reject, |()| Corpus::Keep)
});
