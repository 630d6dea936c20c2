"""An S3 server for tests, on a free port of loopback: prints its address as JSON, and ends with its standard input."""

import json
import sys

import boto3
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
endpoint = f"http://{host}:{port}"
client = boto3.client(
    "s3",
    endpoint_url=endpoint,
    region_name="eu-central-1",
    aws_access_key_id="test",
    aws_secret_access_key="test",
)
for bucket in sys.argv[1:]:
    client.create_bucket(
        Bucket=bucket,
        CreateBucketConfiguration={"LocationConstraint": "eu-central-1"},
    )
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
print(json.dumps({"endpoint": endpoint}), flush=True)
sys.stdin.read()
server.stop()
