#!/bin/sh
# about: the way the text goes
# answer: port 8080
# answer: why nobody
set -e
kubectl run web --image=drydock/web:1
kubectl wait --for=condition=Ready pod/web --timeout=60s
kubectl exec web -- sh -c 'echo "I was here" > /tmp/note'
# The file is looked for while the pod is there; give that a moment before the pod goes.
sleep 3
kubectl delete pod web
