#!/bin/sh
# about: one manifest with its own Service, which also names pods that are not Ready; the number is patched; the image is mended
# answer: which last
set -e
kubectl create -f - <<MANIFEST
apiVersion: v1
kind: Service
metadata: {name: db}
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector: {role: member}
  ports: [{name: http, port: 8080}]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 3
  selector: {matchLabels: {role: member}}
  template:
    metadata: {labels: {role: member}}
    spec:
      terminationGracePeriodSeconds: 0
      containers:
      - name: member
        image: drydock/web:2
        readinessProbe: {exec: {command: [test, '!', -e, /tmp/busy]}, periodSeconds: 1, failureThreshold: 1}
MANIFEST
kubectl rollout status statefulset/db --timeout=60s
kubectl delete pod/db-1 --now
kubectl wait --for=jsonpath='{.status.readyReplicas}'=3 statefulset/db --timeout=60s
kubectl patch statefulset db --patch '{"spec":{"replicas":1}}'
kubectl wait --for=jsonpath='{.status.replicas}'=1 statefulset/db --timeout=60s
kubectl exec db-0 -- touch /tmp/busy
kubectl wait --for=condition=Ready=false pod/db-0 --timeout=60s
kubectl patch statefulset db --patch '{"spec":{"replicas":3}}'
kubectl wait --for=jsonpath='{.status.observedGeneration}'=3 statefulset/db --timeout=60s
kubectl exec db-0 -- rm /tmp/busy
