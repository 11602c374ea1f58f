#!/bin/sh
# about: the address is written down instead of a name; and pods are started where the Service does not look
# fails: till: A short name is sought in the namespace of whoever asks
# fails: archive: the Service to the pods that it finds in its own namespace
# answer: tries 2
# answer: refused right
set -e
kubectl run archive --image=drydock/web:2 --labels=app=archive
kubectl set env deployment/till STOCK="$(kubectl get service stock -n warehouse -o jsonpath='{.spec.clusterIP}')"
kubectl rollout status deployment/till --timeout=60s
kubectl wait --for=condition=Ready pod/archive --timeout=60s
