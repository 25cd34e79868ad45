// Shares Lambda layers with AWS CDK: copy the class `LayerVersionPermission` and use it as the stack `Tools` does. The stack
// `PermissionProvider` deploys the provider itself, from `packaged.yaml` and the zip of a release.

import { CustomResource, Duration, Fn, Stack, StackProps } from 'aws-cdk-lib';
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include';
import { Code, LayerVersion } from 'aws-cdk-lib/aws-lambda';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { Construct } from 'constructs';

export interface LayerVersionPermissionProps {
  /** ARN of the layer version. */
  readonly layerVersionArn: string;
  /** Account ids, organization ids, root ARNs or `*`. */
  readonly principals: string[];
  /**
   * Whether to share the layer version only, or all versions of its layer.
   * @default 'This'
   */
  readonly versions?: 'This' | 'All';
  /**
   * The statement id, to which the principals are added.
   * @default - derived from the stack and the resource
   */
  readonly statementId?: string;
  /**
   * Role of the account that owns the layer, if that is not the provider's account.
   * @default - the provider uses its own role
   */
  readonly roleArn?: string;
  /**
   * ARN of the provider's function. It cannot be changed later.
   * @default - the provider of this account and region, by its export
   */
  readonly serviceToken?: string;
}

/** Shares a layer version, or all versions of its layer, through the provider. */
export class LayerVersionPermission extends Construct {
  /** The ids of the statements, in the order of the principals. */
  public readonly statementIds: string[];

  constructor(scope: Construct, id: string, props: LayerVersionPermissionProps) {
    super(scope, id);

    const permission = new CustomResource(this, 'Resource', {
      resourceType: 'Custom::LayerVersionPermission',
      serviceToken: props.serviceToken ?? Fn.importValue('lambda-permission-provider-ServiceToken'),
      // Without a response, the stack fails after two minutes instead of an hour.
      serviceTimeout: Duration.minutes(2),
      properties: {
        LayerVersionArn: props.layerVersionArn,
        Principals: props.principals,
        Versions: props.versions,
        StatementId: props.statementId,
        RoleArn: props.roleArn,
      },
    });
    this.statementIds = Fn.split(',', permission.getAttString('StatementIds'), props.principals.length);
  }
}

export interface ToolsProps extends StackProps {
  /** Ids of the accounts and organizations that may use the layer. */
  readonly partners: string[];
}

/** Publishes a layer from the folder `layer` and shares it. */
export class Tools extends Stack {
  constructor(scope: Construct, id: string, props: ToolsProps) {
    super(scope, id, props);

    const tools = new LayerVersion(this, 'Tools', { code: Code.fromAsset('layer') });

    new LayerVersionPermission(this, 'ShareTools', {
      layerVersionArn: tools.layerVersionArn,
      principals: props.partners,
      statementId: 'partners',
    });
  }
}

/** Deploys the provider, once for each account and region. */
export class PermissionProvider extends Stack {
  constructor(scope: Construct, id: string, props?: StackProps) {
    super(scope, id, props);

    const code = new Asset(this, 'Code', { path: 'bootstrap-x86_64.zip' });

    new CfnInclude(this, 'Provider', {
      templateFile: 'packaged.yaml',
      parameters: { CodeBucket: code.s3BucketName, CodeKey: code.s3ObjectKey, Runtime: 'provided.al2023' },
    });
  }
}
