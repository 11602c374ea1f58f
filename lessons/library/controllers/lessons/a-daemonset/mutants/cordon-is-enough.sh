#!/bin/sh
# about: the node is cordoned and taken for empty
# fails: drained: A node can be repaired when no new pod can come
# answer: missing none
set -e
kubectl apply -f agent.yaml
kubectl rollout status daemonset/agent --timeout=60s
kubectl delete "$(kubectl get pods -l app=agent -o name | head -n 1)"
kubectl rollout status daemonset/agent --timeout=60s
kubectl cordon node-2
kubectl uncordon node-2
