#!/bin/sh
# about: the way the text goes
# answer: where events
set -e
kubectl set image pod/front front=drydock/web:1
kubectl delete pod store greeter
sed -i 's/--port/-p/; s/key: greetings/key: greeting/; s/wbe/web/' broken.yaml
kubectl apply -f broken.yaml
kubectl wait --for=condition=Ready pod/front pod/store pod/greeter --timeout=60s
