#!/bin/sh
# about: the way the text goes, with sed in the place of vi
# answer: missing none
set -e
kubectl apply -f agent.yaml
kubectl rollout status daemonset/agent --timeout=60s
kubectl delete "$(kubectl get pods -l app=agent -o name | head -n 1)"
kubectl rollout status daemonset/agent --timeout=60s
kubectl drain node-2 --ignore-daemonsets
kubectl rollout status deployment/shop --timeout=60s
kubectl uncordon node-2
kubectl label node node-1 disk=ssd
sed -i 's/^      terminationGrace/      nodeSelector: {disk: ssd}\n      terminationGrace/' agent.yaml
kubectl apply -f agent.yaml
kubectl rollout status daemonset/agent --timeout=60s
