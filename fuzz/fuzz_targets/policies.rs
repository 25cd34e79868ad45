#![no_main]
#![doc = "Tries to break the invariants of `policies`."]

use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|input: &[u8]| -> Corpus {
    invariants::policies::check(input).map_or(Corpus::Reject, |()| Corpus::Keep)
});
