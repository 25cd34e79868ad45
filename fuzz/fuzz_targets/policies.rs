#![no_main]
#![doc = "Tries to break the laws of `policies`."]

use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|input: &[u8]| -> Corpus {
    laws::policies::hold(input).map_or(Corpus::Reject, |()| Corpus::Keep)
});
