#!/bin/sh
# about: the pods are deleted, and the one who wants them is left
# fails: gone: As long as the Deployment is there
# answer: owner replicaset
set -e
kubectl create deployment web --image=drydock/web:1 --replicas=2
kubectl wait --for=jsonpath='{.status.readyReplicas}'=2 deployment/web --timeout=60s
kubectl scale deployment web --replicas=4
kubectl wait --for=jsonpath='{.status.readyReplicas}'=4 deployment/web --timeout=60s
kubectl delete pods -l app=web
