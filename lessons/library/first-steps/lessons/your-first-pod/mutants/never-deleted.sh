#!/bin/sh
# about: everything but the end; and the port of another server
# fails: port: The log is the first place to look
# fails: gone: A pod runs until somebody takes it away
# answer: port 80
set -e
kubectl run web --image=drydock/web:1
kubectl wait --for=condition=Ready pod/web --timeout=60s
kubectl exec web -- sh -c 'echo "I was here" > /tmp/note'
