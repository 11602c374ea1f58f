#!/bin/sh
# about: the name is thought to be enough, so any uid will do; and the usual deletion is taken for the foreground, because kubectl waits
# fails: together: If nobody has the uid of an owner
# fails: last: In the background the owner is gone while its pods still end
set -e
kubectl patch configmap notes -p '{"metadata":{"ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment","name":"web","uid":"00000000-0000-0000-0000-000000000000"}]}}'
kubectl wait --for=delete configmap/notes --timeout=60s
kubectl delete deployment web
kubectl delete deployment shop --wait
kubectl delete deployment api --cascade=orphan
kubectl apply -f api.yaml
