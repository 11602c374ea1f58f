#!/bin/sh
# about: the Service is replaced by one that has it all at once, and a DaemonSet takes the Deployment's place
# answer: every on
# answer: dropped silence
set -e
kubectl create -f - <<MANIFEST
apiVersion: apps/v1
kind: DaemonSet
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web, role: everywhere}}
  template:
    metadata: {labels: {app: web, role: everywhere}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - {name: web, image: "drydock/web:2"}
MANIFEST
kubectl rollout status daemonset/web --timeout=60s
kubectl delete deployment web
kubectl replace --force -f - <<MANIFEST
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  externalTrafficPolicy: Local
  selector: {role: everywhere}
  ports:
  - {name: http, port: 8080, nodePort: 30080}
MANIFEST
