#!/bin/sh
# about: the way the text goes
# answer: saved garbage
set -e
uid=$(kubectl get deployment web -o jsonpath='{.metadata.uid}')
kubectl patch configmap notes -p '{"metadata":{"ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment","name":"web","uid":"'$uid'"}]}}'
kubectl delete deployment web
kubectl wait --for=delete configmap/notes --timeout=60s
kubectl delete deployment shop --cascade=foreground
kubectl delete deployment api --cascade=orphan
kubectl apply -f api.yaml
