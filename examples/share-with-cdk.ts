// Publishes a layer with AWS CDK and shares it with a list of accounts and organizations.

import { CustomResource, Duration, Fn, Stack, StackProps } from 'aws-cdk-lib';
import { Code, LayerVersion } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';

export interface ToolsProps extends StackProps {
  /** Ids of the accounts and organizations that may use the layer. */
  readonly partners: string[];
}

export class Tools extends Stack {
  constructor(scope: Construct, id: string, props: ToolsProps) {
    super(scope, id, props);

    const tools = new LayerVersion(this, 'Tools', { code: Code.fromAsset('layer') });

    new CustomResource(this, 'ShareTools', {
      resourceType: 'Custom::LayerVersionPermission',
      serviceToken: Fn.importValue('lambda-permission-provider-ServiceToken'),
      // Without a response, the stack fails after two minutes instead of an hour.
      serviceTimeout: Duration.minutes(2),
      properties: {
        LayerVersionArn: tools.layerVersionArn,
        Principals: props.partners,
        StatementId: 'partners',
      },
    });
  }
}
