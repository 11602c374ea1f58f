#!/bin/sh
# about: pods written anew, a named port, both probes in one container, the switch thrown with wget
# answer: which readiness
set -e
for name in web shop; do
  kubectl create -f - <<MANIFEST
apiVersion: v1
kind: Pod
metadata: {name: $name, labels: {app: $name}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: server
    image: drydock/web:1
    ports: [{name: http, containerPort: 8080}]
    livenessProbe: {httpGet: {path: /healthz, port: http}, periodSeconds: 1, failureThreshold: 3}
    readinessProbe: {httpGet: {path: /readyz, port: http}, periodSeconds: 1, failureThreshold: 2}
MANIFEST
done
kubectl wait --for=condition=Ready pod/web pod/shop --timeout=60s
kubectl exec shop -- wget -qO- --post-data= http://localhost:8080/readyz/off
kubectl exec web -- wget -qO- --post-data= http://localhost:8080/healthz/off
kubectl wait --for=condition=Ready=false pod/shop --timeout=60s
kubectl exec shop -- wget -qO- --post-data= http://localhost:8080/readyz/on
