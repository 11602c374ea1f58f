#!/bin/sh
# about: on the same node, where no packet leaves the machine; and a node is thought to hide its pods as a router at home does
# fails: there: Only between two nodes
# fails: seen: Nobody on the way changes who it is from
# answer: seen node
kubectl apply -f web.yaml
kubectl wait --for=condition=Ready pod/web --timeout=60s
