//! How others change the policies of a scenario: the external writer, and the user who removes what it has put in the way.

use fastrand::Rng;

use crate::desired_state::ROLE;
use crate::fault::ExternalWrite;
use crate::scenario::Scenario;

impl Scenario<'_> {
    pub fn write_externally(&self, arn: &str, write: ExternalWrite) {
        let mut layers = self.env.lambda_api.layers();
        layers.write_externally(arn, write, None);
    }

    /// Between two operations, the external writer changes some policies.
    pub fn write_externally_at_random(&self, rng: &mut Rng) {
        for arn in self.policy_arns() {
            match rng.u8(..8) {
                0 => self.write_externally(&arn, ExternalWrite::AddsOwn),
                1 => self.write_externally(&arn, ExternalWrite::RemovesOwn),
                2 if rng.bool() => self.write_externally(&arn, ExternalWrite::RemovesOurs),
                3 if rng.bool() => self.write_externally(&arn, ExternalWrite::ReplacesOurs),
                4 if rng.bool() && arn.contains(":function:") => self.recreate(&arn),
                _ => {}
            }
        }
        if rng.u8(..8) == 0 {
            self.delete_role();
        }
    }

    /// Somebody deletes the function and creates it again: it has no policy then.
    fn recreate(&self, arn: &str) {
        let mut layers = self.env.lambda_api.layers();
        layers.unpublish(arn);
        layers.publish(arn);
        layers.external_writer.interferences += 1;
        drop(layers);
        self.count("functions created again");
        self.note(&format!("{arn} is created again"));
    }

    /// Somebody deletes the role that functions are granted to: IAM shows its unique id in the policies.
    fn delete_role(&self) {
        let mut layers = self.env.lambda_api.layers();
        layers
            .policies
            .delete_principal(ROLE, "AROACKCEVSQ6C2EXAMPLE");
        layers.external_writer.interferences += 1;
        for arn in self.policy_arns() {
            layers.take_snapshot(&arn);
        }
        drop(layers);
        self.count("roles deleted");
        self.note("the role is deleted");
    }

    /// Whether the external writer has changed statements or taken statement ids of the provider; resets this.
    pub fn take_interferences(&self) -> bool {
        let mut layers = self.env.lambda_api.layers();
        std::mem::take(&mut layers.external_writer.interferences) > 0
    }

    /// The user creates a deleted role again, and removes the external statements under statement ids that the provider may need.
    pub fn remove_conflicts(&self) {
        let mut layers = self.env.lambda_api.layers();
        let layers = &mut *layers;
        let lost = layers
            .external_writer
            .release_statement_ids(&mut layers.policies);
        layers.policies.unknown_principals.clear();
        for arn in self.policy_arns() {
            layers.take_snapshot(&arn);
        }
        layers
            .trace
            .note("the user removes conflicting statements, and creates a deleted role again");
        for lost in lost {
            self.violation(&format!("an external statement is lost: {lost}"));
        }
    }
}
