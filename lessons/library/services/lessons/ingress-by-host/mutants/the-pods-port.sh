#!/bin/sh
# about: the port of the pod in the place of the Service's
# fails: door: An Ingress is only a wish
# fails: hosts: One address, many names
# fails: path: Exact is this one path and nothing below it
# answer: who controller
# answer: prefix old
set -e
drydock addon add ingress
sed -i 's/number: 80/number: 8080/' ingress.yaml
kubectl apply -f ingress.yaml
kubectl create ingress more --class=drydock --rule='toys.example/*=toys:8080' --rule='books.example/reviews*=reviews:8080'
