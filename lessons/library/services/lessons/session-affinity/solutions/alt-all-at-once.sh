#!/bin/sh
# about: affinity and its time in one file; all pods replaced by a rollout instead of a deletion, and the one that was hers as well
# answer: who address
# answer: renewed asking
set -e
kubectl apply --server-side --force-conflicts -f - <<MANIFEST
apiVersion: v1
kind: Service
metadata: {name: cart}
spec:
  sessionAffinity: ClientIP
  sessionAffinityConfig: {clientIP: {timeoutSeconds: 3}}
  selector: {app: cart}
  ports: [{port: 80, targetPort: 8080}]
MANIFEST
mine=$(kubectl exec office -c ann -- wget -qO- http://cart/hostname)
kubectl exec office -c ann -- sh -c "echo $mine > /tmp/mine"
kubectl delete pods -l app=cart --now
kubectl rollout status deployment/cart --timeout=60s
