#!/bin/sh
# about: the Service comes first, from a manifest; the pod is deleted by its name
# answer: why other
set -e
kubectl create -f - <<MANIFEST
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports:
  - {name: http, port: 80, targetPort: 8080}
MANIFEST
pod=$(kubectl get pods -l app=web -o name)
kubectl exec client -- sh -c "echo $(kubectl get "$pod" -o jsonpath='{.status.podIP}') > /tmp/address"
sleep 3
kubectl delete "$pod" --now
kubectl wait --for=condition=Available deployment/web --timeout=60s
