#!/bin/sh
# about: on the other node, but in the node's network instead of the pods'; everything is thought to take the default way
# fails: there: Only between two nodes
# fails: via: The most precise route wins
# fails: mtu: The outer letter has to fit, too
# answer: seen own
# answer: via 172.30.0.1
# answer: outside node
# answer: mtu 1500
set -e
sed -i 's/node-1 .*/node-2/; s/^spec:/spec:\n  hostNetwork: true/' web.yaml
kubectl apply -f web.yaml
kubectl wait --for=condition=Ready pod/web --timeout=60s
