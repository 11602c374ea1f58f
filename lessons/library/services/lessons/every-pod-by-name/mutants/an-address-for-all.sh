#!/bin/sh
# about: a Service with an address, which hides who is behind it; the members are made ready by not asking any more
# fails: all: A Service with an address hides its pods
# fails: council: Only those that are ready are named, as a rule
set -e
kubectl expose deployment cache --port=80 --target-port=8080
kubectl patch deployment council --type=json -p '[{"op":"remove","path":"/spec/template/spec/containers/0/readinessProbe"}]'
kubectl rollout status deployment/council --timeout=60s
