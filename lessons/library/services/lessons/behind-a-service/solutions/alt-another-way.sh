#!/bin/sh
# about: a bare pod joins by its label, and steps aside by a probe of its own; shop finds pods that get the second label; another slice
# answer: who list
set -e
kubectl create -f - <<MANIFEST
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: machines, labels: {kubernetes.io/service-name: ledger}}
addressType: IPv4
endpoints: [{addresses: [172.30.0.11], conditions: {ready: true}, nodeName: node-1}]
ports: [{name: "", port: 9000, protocol: TCP}]
---
apiVersion: v1
kind: Pod
metadata: {name: web-guest, labels: {app: web}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: web
    image: drydock/web:2
    readinessProbe: {exec: {command: [test, '!', -e, /tmp/busy]}, periodSeconds: 1, failureThreshold: 1}
MANIFEST
kubectl wait --for=condition=Ready pod/web-guest --timeout=60s
kubectl label pods -l pod-template-hash tier=front
kubectl wait --for=jsonpath='{.endpoints[2].conditions.ready}'=true endpointslices -l kubernetes.io/service-name=web --timeout=60s
kubectl exec web-guest -- touch /tmp/busy
kubectl wait --for=condition=Ready=false pod/web-guest --timeout=60s
