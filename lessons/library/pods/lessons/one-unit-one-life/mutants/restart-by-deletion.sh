#!/bin/sh
# about: the pod is deleted and made again to start one container anew; and a pod is thought to be spread over nodes
# fails: alone: A new pod is not a restart
# fails: room: The scheduler looks for one node for the whole pod
# answer: room split
set -e
kubectl apply -f duo.yaml
kubectl wait --for=condition=Ready pod/duo --timeout=60s
kubectl delete pod duo --now
kubectl apply -f duo.yaml
kubectl wait --for=condition=Ready pod/duo --timeout=60s
