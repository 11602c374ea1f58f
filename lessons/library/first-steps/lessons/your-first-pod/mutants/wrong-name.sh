#!/bin/sh
# about: the right image under another name
# fails: web-runs: Nothing runs until the API server knows a pod
kubectl run webserver --image=drydock/web:1
kubectl wait --for=condition=Ready pod/webserver --timeout=60s
