#!/bin/sh
# about: api is deleted the usual way and made again, which looks the same afterwards; an owner is thought to be a name
# fails: stays: Somebody was being served, and is not any more
# fails: saved: A name can be used again, a uid never
# answer: saved belongs
set -e
uid=$(kubectl get deployment web -o jsonpath='{.metadata.uid}')
kubectl patch configmap notes -p '{"metadata":{"ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment","name":"web","uid":"'$uid'"}]}}'
kubectl delete deployment web
kubectl wait --for=delete configmap/notes --timeout=60s
kubectl delete deployment shop --cascade=foreground
kubectl delete deployment api
kubectl wait --for=delete pod -l app=api --timeout=60s
kubectl apply -f api.yaml
kubectl rollout status deployment/api --timeout=60s
