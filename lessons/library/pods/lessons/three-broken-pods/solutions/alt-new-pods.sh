#!/bin/sh
# about: everything made anew, with the port from the environment and all of settings at once
# answer: where events
set -e
kubectl delete pod front --now
kubectl run front --image=drydock/web:2
kubectl delete pod store greeter --now
kubectl run store --image=drydock/web:1 --env=PORT=8080
kubectl create -f - <<MANIFEST
apiVersion: v1
kind: Pod
metadata: {name: greeter}
spec:
  containers:
  - name: web
    image: drydock/web:1
    env:
    - {name: GREETING, valueFrom: {configMapKeyRef: {name: settings, key: greeting, optional: true}}}
MANIFEST
kubectl wait --for=condition=Ready pod/front pod/store pod/greeter --timeout=60s
