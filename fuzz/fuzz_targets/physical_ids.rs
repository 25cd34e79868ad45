#![no_main]
#![doc = "Tries to break the laws of `physical_ids`."]

use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|input: &[u8]| -> Corpus {
    laws::physical_ids::hold(input).map_or(Corpus::Reject, |()| Corpus::Keep)
});
