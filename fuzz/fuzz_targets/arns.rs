#![no_main]
#![doc = "Tries to break the invariants of `arns`."]

use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|input: &[u8]| -> Corpus {
    invariants::arns::check(input).map_or(Corpus::Reject, |()| Corpus::Keep)
});
