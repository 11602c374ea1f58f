#!/bin/sh
# about: the number is set on the ReplicaSet; the Deployment puts it back. And the Deployment is taken for the owner.
# fails: owner: Who owns an object decides
# fails: four: The number in the Deployment is the one that counts
# answer: owner deployment
set -e
kubectl create deployment web --image=drydock/web:1 --replicas=2
kubectl wait --for=jsonpath='{.status.readyReplicas}'=2 deployment/web --timeout=60s
kubectl scale "$(kubectl get rs -l app=web -o name)" --replicas=4
