// Prints which file's code uses which file's types and members, as the compiler left it in an assembly with its debug symbols:
// source_file (declares), dependent_file (uses), symbol, tab-separated. README.md says how to run it.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Mono.Cecil;

class Truth {
  static readonly Regex Declared = new Regex(
    @"^[^/\n""]*\b(?:class|struct|interface|enum|delegate\s+[\w<>\[\], .?]+?)\s+(\w+)\s*(?:<([^>]*)>)?", RegexOptions.Multiline);

  static ModuleDefinition module;
  static string root;
  // The files that declare a type, by its full name.
  static readonly Dictionary<string, HashSet<string>> filesOf = new Dictionary<string, HashSet<string>>();
  static readonly SortedSet<string> lines = new SortedSet<string>(StringComparer.Ordinal);

  static string Relative(string file) {
    file = Path.GetFullPath(file);
    return file.StartsWith(root) ? file.Substring(root.Length).TrimStart('/') : file;
  }

  static string FileOf(MethodDefinition method) {
    if (!method.HasBody) return null;
    var point = method.Body.Instructions.Select(one => one.SequencePoint).FirstOrDefault(one => one != null && one.Document != null);
    return point == null ? null : Relative(point.Document.Url);
  }

  // What the compiler made, closures and iterators, belongs to the type around it.
  static TypeDefinition Written(TypeDefinition type) {
    while (type.DeclaringType != null && type.Name.StartsWith("<")) type = type.DeclaringType;
    return type;
  }

  static IEnumerable<TypeDefinition> All(IEnumerable<TypeDefinition> types) {
    return types.SelectMany(type => new[] { type }.Concat(All(type.NestedTypes)));
  }

  // The types of this assembly that a reference names, its type arguments among them.
  static IEnumerable<TypeDefinition> Named(TypeReference type) {
    if (type == null) yield break;
    var generic = type as GenericInstanceType;
    if (generic != null)
      foreach (var one in generic.GenericArguments.SelectMany(Named)) yield return one;
    while (type is TypeSpecification) type = ((TypeSpecification)type).ElementType;
    if (type is GenericParameter) yield break;
    var definition = type as TypeDefinition;
    if (definition == null && type.Scope == module) definition = module.GetType(type.FullName);
    if (definition != null) yield return definition;
  }

  static void Add(string user, string declarer, string symbol) {
    if (user != null && declarer != null && user != declarer) lines.Add(declarer + "\t" + user + "\t" + symbol);
  }

  static void UseType(string user, TypeReference type) {
    foreach (var one in Named(type).Select(Written).Where(one => !one.Name.StartsWith("<"))) {
      HashSet<string> files;
      if (filesOf.TryGetValue(one.FullName, out files)) foreach (var file in files) Add(user, file, one.Name);
    }
  }

  static void UseMember(string user, TypeReference declaring, string name, string file) {
    var type = Named(declaring).LastOrDefault();
    if (type == null || Written(type) != type) return;
    HashSet<string> files;
    if (file != null) Add(user, file, type.Name + "." + name);
    else if (filesOf.TryGetValue(type.FullName, out files)) foreach (var one in files) Add(user, one, type.Name + "." + name);
  }

  static void UseAttributes(string user, ICustomAttributeProvider of) {
    foreach (var one in of.CustomAttributes) UseType(user, one.AttributeType);
  }

  // Methods say their file. A type without any has that of the one declaration of its name.
  static void FindFiles() {
    var byName = new Dictionary<string, HashSet<string>>();
    foreach (var file in Directory.GetFiles(root, "*.cs", SearchOption.AllDirectories))
      foreach (Match match in Declared.Matches(File.ReadAllText(file))) {
        var arity = match.Groups[2].Success ? "`" + match.Groups[2].Value.Split(',').Length : "";
        var name = match.Groups[1].Value + arity;
        if (!byName.ContainsKey(name)) byName[name] = new HashSet<string>();
        byName[name].Add(Relative(file));
      }
    foreach (var type in All(module.Types).Where(type => Written(type) == type)) {
      var files = new HashSet<string>(type.Methods.Select(FileOf).Where(file => file != null));
      HashSet<string> named, around;
      if (byName.TryGetValue(type.Name, out named)) {
        if (files.Overlaps(named)) files.IntersectWith(named);
        else if (files.Count == 0 && named.Count == 1) files = named;
        else if (files.Count == 0 && type.DeclaringType != null && filesOf.TryGetValue(type.DeclaringType.FullName, out around))
          files = new HashSet<string>(named.Intersect(around));
      }
      if (files.Count > 0) filesOf[type.FullName] = files;
    }
  }

  static void ReadType(TypeDefinition type, string file) {
    UseType(file, type.BaseType);
    foreach (var one in type.Interfaces) UseType(file, one);
    foreach (var one in type.GenericParameters.SelectMany(one => one.Constraints)) UseType(file, one);
    UseAttributes(file, type);
    foreach (var field in type.Fields.Where(field => !field.Name.StartsWith("<"))) { UseType(file, field.FieldType); UseAttributes(file, field); }
    foreach (var property in type.Properties) { UseType(file, property.PropertyType); UseAttributes(file, property); }
    foreach (var one in type.Events) UseType(file, one.EventType);
  }

  static void ReadSignature(MethodDefinition method, string file) {
    UseType(file, method.ReturnType);
    foreach (var one in method.Parameters) { UseType(file, one.ParameterType); UseAttributes(file, one); }
    foreach (var one in method.GenericParameters.SelectMany(one => one.Constraints)) UseType(file, one);
    UseAttributes(file, method);
  }

  static void ReadBody(MethodDefinition method, string file) {
    foreach (var one in method.Body.ExceptionHandlers) UseType(file, one.CatchType);
    foreach (var instruction in method.Body.Instructions) {
      var type = instruction.Operand as TypeReference;
      var called = instruction.Operand as MethodReference;
      var field = instruction.Operand as FieldReference;
      if (type != null) UseType(file, type);
      else if (called != null) {
        var generic = called as GenericInstanceMethod;
        if (generic != null) foreach (var one in generic.GenericArguments) UseType(file, one);
        var definition = Resolved(() => called.Resolve());
        if (definition == null || definition.Module != module) continue;
        if (definition.IsConstructor) UseType(file, definition.DeclaringType);
        UseMember(file, called.DeclaringType, called.Name, FileOf(definition));
      } else if (field != null) {
        var definition = Resolved(() => field.Resolve());
        if (definition != null && definition.Module == module && !definition.Name.StartsWith("<")) UseMember(file, field.DeclaringType, field.Name, null);
      }
    }
  }

  // What stands in an assembly that is not here is no edge.
  static T Resolved<T>(Func<T> find) where T : class {
    try { return find(); } catch (AssemblyResolutionException) { return null; }
  }

  static void Main(string[] args) {
    root = Path.GetFullPath(args[1]);
    var reading = new ReaderParameters { ReadSymbols = true, SymbolReaderProvider = new Mono.Cecil.Mdb.MdbReaderProvider() };
    module = ModuleDefinition.ReadModule(args[0], reading);
    FindFiles();
    foreach (var type in All(module.Types)) {
      var written = Written(type);
      HashSet<string> own;
      filesOf.TryGetValue(written.FullName, out own);
      var only = own != null && own.Count == 1 ? own.First() : null;
      if (type == written) ReadType(type, only);
      foreach (var method in type.Methods) {
        var file = FileOf(method) ?? only;
        if (file == null) continue;
        if (type == written && !method.Name.StartsWith("<")) ReadSignature(method, file);
        if (method.HasBody) ReadBody(method, file);
      }
    }
    foreach (var line in lines) Console.WriteLine(line);
  }
}
