var verifJSON={"functions":[{"name":"tiny", "data":["3", "23,25,24.3", "5,7,6"]}]};
