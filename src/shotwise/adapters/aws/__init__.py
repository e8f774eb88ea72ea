"""Adapters to AWS: S3, S3 Vectors, OpenSearch Serverless, Bedrock, X-Ray, CloudFormation."""
