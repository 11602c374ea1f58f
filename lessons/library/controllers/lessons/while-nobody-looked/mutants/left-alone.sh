#!/bin/sh
# about: the cluster is left without its controllers, because everything looks fine
# fails: caught-up: Nothing is repaired while nobody looks
set -e
drydock component stop controller-manager
kubectl delete "$(kubectl get pods -o name | head -n 1)" --wait=false
kubectl scale deployment shop --replicas=5
kubectl scale deployment shop --replicas=3
