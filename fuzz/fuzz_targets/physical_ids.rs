#![no_main]
#![doc = "Tries to break the invariants of `physical_ids`."]

use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|input: &[u8]| -> Corpus {
    invariants::physical_ids::check(input).map_or(Corpus::Reject, |()| Corpus::Keep)
});
