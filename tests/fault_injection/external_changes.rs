//! How others change the policies of a scenario: the external writer, and the user who removes what it has put in the way.

use fastrand::Rng;

use crate::fault::ExternalWrite;
use crate::scenario::Scenario;

impl Scenario<'_> {
    pub fn write_externally(&self, version: u64, write: ExternalWrite) {
        let arn = format!("{}:{version}", self.layer);
        let mut layers = self.env.lambda_api.layers();
        layers.write_externally(&arn, write, None);
    }

    /// Between two operations, the external writer changes some policies.
    pub fn write_externally_at_random(&self, rng: &mut Rng) {
        for version in self.versions() {
            match rng.u8(..8) {
                0 => self.write_externally(version, ExternalWrite::AddsOwn),
                1 => self.write_externally(version, ExternalWrite::RemovesOwn),
                2 if rng.bool() => self.write_externally(version, ExternalWrite::RemovesOurs),
                3 if rng.bool() => self.write_externally(version, ExternalWrite::ReplacesOurs),
                _ => {}
            }
        }
    }

    /// Whether the external writer has changed statements or taken statement ids of the provider; resets this.
    pub fn take_interferences(&self) -> bool {
        let mut layers = self.env.lambda_api.layers();
        std::mem::take(&mut layers.external_writer.interferences) > 0
    }

    /// The user removes the external statements under statement ids that the provider may need.
    pub fn remove_conflicts(&self) {
        let mut layers = self.env.lambda_api.layers();
        let layers = &mut *layers;
        let lost = layers
            .external_writer
            .release_statement_ids(&mut layers.policies);
        for number in self.versions() {
            layers.take_snapshot(&format!("{}:{number}", self.layer));
        }
        layers.trace.note("the user removes conflicting statements");
        for lost in lost {
            self.violation(&format!("an external statement is lost: {lost}"));
        }
    }
}
