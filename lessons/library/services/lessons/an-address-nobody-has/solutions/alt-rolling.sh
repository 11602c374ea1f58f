#!/bin/sh
# about: the Service comes from a manifest, with a port that has a name; blue itself becomes version 2
# answer: whose nobody
# answer: kept same
set -e
kubectl create -f - <<MANIFEST
apiVersion: v1
kind: Service
metadata: {name: shop}
spec:
  clusterIP: 10.96.77.7
  selector: {colour: blue}
  ports:
  - {name: http, port: 80, targetPort: 8080}
MANIFEST
kubectl exec client -- sh -c 'echo 10.96.77.7 > /tmp/address'
kubectl set image deployment/blue web=drydock/web:2
kubectl rollout status deployment/blue --timeout=60s
