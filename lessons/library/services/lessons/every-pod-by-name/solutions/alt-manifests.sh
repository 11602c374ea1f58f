#!/bin/sh
# about: a headless Service without ports; captain is the name of another pod; the council's Service is made anew
# answer: port direct
# answer: price errors
set -e
kubectl create -f - <<MANIFEST
apiVersion: v1
kind: Service
metadata: {name: cache}
spec: {clusterIP: None, selector: {app: cache}}
---
apiVersion: v1
kind: Pod
metadata: {name: number-four, labels: {app: cache}}
spec:
  hostname: captain
  subdomain: cache
  containers:
  - {name: web, image: "drydock/web:1"}
MANIFEST
kubectl replace --force -f - <<MANIFEST
apiVersion: v1
kind: Service
metadata: {name: council}
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector: {app: council}
  ports: [{name: talk, port: 2380}]
MANIFEST
