// Synthesizes the stacks of the example: `node synth.js FOLDER`. The bucket of the assets is there without `cdk bootstrap`.

import { App, DefaultStackSynthesizer } from 'aws-cdk-lib';
import { PermissionProvider, Tools } from './share-with-cdk';

const app = new App({ outdir: process.argv[2], analyticsReporting: false });
const synthesizer = () => new DefaultStackSynthesizer({ generateBootstrapVersionRule: false });
const env = { account: '123456789012', region: 'eu-west-1' };
new Tools(app, 'tools', { partners: ['111122223333', 'o-a1b2c3d4e5'], env, synthesizer: synthesizer() });
new PermissionProvider(app, 'provider-by-cdk', { env, synthesizer: synthesizer() });
app.synth();
