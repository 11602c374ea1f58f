#!/bin/sh
# about: the way the text goes, with sed in the place of vi
# answer: who makes
set -e
sed -i '/# 1\./a kubectl run "loop-$(date +%N)" --image=drydock/web:1 --labels=keeper=loop' controller.sh
sed -i '/# 2\./a kubectl delete --wait=false "$(echo "$pods" | head -n 1)"' controller.sh
three() { until [ "$(kubectl get pods -l keeper=loop --field-selector=status.phase=Running -o name | grep -c pod/)" = 3 ]; do sleep 0.2; done; }
sh controller.sh > controller.log 2>&1 &
trap 'kill $!' EXIT
three
kubectl apply -f web-rs.yaml
kubectl delete --now "$(kubectl get pods -l keeper=loop -o name | head -n 1)"
three
kubectl patch configmap wish -p '{"data":{"replicas":"2"}}'
kubectl wait --for=jsonpath='{.status.readyReplicas}'=3 rs/web --timeout=60s
kubectl delete "$(kubectl get pods -l app=web -o name | head -n 1)"
until [ "$(kubectl get pods -l keeper=loop -o name | grep -c pod/)" = 2 ]; do sleep 0.2; done
